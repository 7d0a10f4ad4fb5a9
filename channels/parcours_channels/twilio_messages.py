"""Messages created at Twilio through its own library, one request each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.rest import Client

from parcours.channel import Accepted, Attempt, Delivery, Receipt, RequestTrace
from parcours_channels.twilio_codes import receipt_of_error
from parcours_channels.twilio_http import TwilioHttp
from parcours_channels.twilio_reports import callback_url

if TYPE_CHECKING:
    from parcours_channels.sms import SmsSettings


class TwilioMessages:
    """The messages of one account. Making one opens an HTTP session, on the loop that runs, and asks nothing yet."""

    def __init__(self, settings: SmsSettings) -> None:
        self._settings = settings
        self._trace = RequestTrace()
        self._http = TwilioHttp(self._trace)
        account, token = settings.account, settings.token.get_secret_value()
        # The environment is given so that TWILIO_EDGE and TWILIO_REGION of this machine do not redirect it.
        client = Client(account, token, http_client=self._http, environment={"TWILIO_ACCOUNT_SID": account})
        client.api.base_url = settings.base_url
        self._messages = client.api.v2010.account.messages

    async def create(self, delivery: Delivery, text: str, attempt: Attempt) -> Receipt:
        try:
            with self._trace.of(attempt):
                message = await self._messages.create_async(**self._parameters(delivery, text))
        except TwilioRestException as error:
            return receipt_of_error(delivery.key, error.status, error.code, error.msg, attempt.retry_after_s)
        except TwilioServiceException as error:
            return receipt_of_error(delivery.key, error.status, error.code, error.title, attempt.retry_after_s)
        return Accepted(delivery.key, message.sid)

    async def close(self) -> None:
        await self._http.close()

    def _parameters(self, delivery: Delivery, text: str) -> dict[str, Any]:
        sender = self._settings.sender
        by = "messaging_service_sid" if sender.startswith("MG") else "from_"
        parameters: dict[str, Any] = {"to": delivery.to, "body": text, by: sender}
        report_url = delivery.report_url or self._settings.public_url
        if report_url is not None:
            parameters["status_callback"] = callback_url(self._settings, report_url, delivery.key)
        return parameters
