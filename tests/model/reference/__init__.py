"""A small, slow model of what a customer journey means, to hold the engine against."""

from tests.model.reference.simulation import run

__all__ = ["run"]
