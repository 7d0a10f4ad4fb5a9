"""Deliveries: gates, frequency caps, holds, attempts, receipts and reactions of the messages that runs send."""
