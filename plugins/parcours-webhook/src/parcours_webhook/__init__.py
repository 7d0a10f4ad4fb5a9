"""A Parcours channel that posts signed JSON to a URL of the person, the partner or the shop."""

from parcours_webhook.channel import WebhookChannel, WebhookContent, WebhookSettings
from parcours_webhook.signature import sign, verify

__all__ = ["WebhookChannel", "WebhookContent", "WebhookSettings", "sign", "verify"]
