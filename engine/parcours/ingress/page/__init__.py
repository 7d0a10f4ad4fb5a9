"""The live page: screens of HTML, written from what the service answers, for whoever looks with a browser."""
