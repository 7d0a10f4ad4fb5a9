"""The way out: channels are found, messages rendered, deliveries claimed and sent, and webhooks read."""
