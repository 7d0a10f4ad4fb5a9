"""The compiler of attributions: what touches are, what tells them apart, and the models of credit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from parcours.expression.duration import UNITS_MS, format_duration
from parcours.expression.names import UNREAD_EVENT
from parcours.journey.analyses import (
    DELIVERY_COLUMNS,
    EVENT_COLUMNS,
    PROPERTY,
    PROPOSITION_COLUMNS,
    Attribution,
    ByPosition,
    Decay,
    DeliveryTouches,
    EventTouches,
    Markov,
    Model,
    PropositionTouches,
    Touches,
)
from parcours.journey.compile.analyses.scope import AnalysisScope
from parcours.journey.model.analyses import AttributionDocument
from parcours.journey.model.analysis_forms import (
    SHAPLEY_KEYS_MAX,
    CustomModel,
    DecayModel,
    DeliveriesTouched,
    EventsTouched,
    MarkovModel,
    ModelForm,
    PropositionsTouched,
    TouchesForm,
    trigger_of,
)
from parcours.journey.read.finding import Margin
from parcours.wording import nearest, quoted

HALF_LIFE_MS: Final = 7 * UNITS_MS["d"]
"""That of `decay` without a number."""


def compiled_attribution(name: str, document: AttributionDocument, scope: AnalysisScope, margin: Margin) -> Attribution:
    touches = _touches(document.touches, scope, margin.below("touches"))
    columns = _columns(touches)
    key = columns[0] if document.key is None else _key(document.key, touches, columns, scope, margin)
    models: dict[str, Model] = {}
    for number, form in enumerate(document.models):
        named, model = named_model(form)
        if named in models:
            margin.error(f"the model {named!r} is given twice", "models", number)
        if model == "shapley" and isinstance(touches, EventTouches) and key == "event":
            _check_keys(len(set(touches.events)), margin, number)
        models[named] = model
    events = [trigger_of(document.conversion).event]
    return Attribution(
        name=name,
        conversion=scope.trigger(document.conversion, margin, "conversion"),
        value=None if document.value is None else scope.number(document.value, events, margin, "value"),
        touches=touches,
        key=key,
        lookback_ms=document.lookback,
        since_last=document.since_last,
        models=models,
        segment=scope.segment(document.segment, margin),
    )


def _touches(form: TouchesForm, scope: AnalysisScope, margin: Margin) -> Touches:
    match form:
        case DeliveriesTouched():
            return DeliveryTouches(form.deliveries)
        case EventsTouched():
            return EventTouches(
                tuple(scope.plain_event(each, margin, "events", number) for number, each in enumerate(form.events))
            )
        case PropositionsTouched():
            return PropositionTouches(form.propositions)
        case _:
            assert_never(form)


def _columns(touches: Touches) -> tuple[str, ...]:
    match touches:
        case DeliveryTouches():
            return DELIVERY_COLUMNS
        case EventTouches():
            return EVENT_COLUMNS
        case PropositionTouches():
            return PROPOSITION_COLUMNS
        case _:
            assert_never(touches)


def _key(text: str, touches: Touches, columns: tuple[str, ...], scope: AnalysisScope, margin: Margin) -> str:
    """The column, or the property with `event.` before it."""
    if isinstance(touches, EventTouches):
        if UNREAD_EVENT in touches.events:
            return text
        if text.startswith(PROPERTY):
            return PROPERTY + scope.property(text, touches.events, margin, "key")
    if text not in columns:
        known = [*columns, "event.PROPERTY"] if isinstance(touches, EventTouches) else columns
        said = nearest(text, columns) or f"; there are {', '.join(known)}"
        margin.error(f"such touches have no column {quoted(text)}{said}", "key")
    return text


def _check_keys(keys: int, margin: Margin, number: int) -> None:
    if keys > SHAPLEY_KEYS_MAX:
        margin.error(f"shapley takes {SHAPLEY_KEYS_MAX} different keys at most, and these are {keys}", "models", number)


_BARE: Final[Mapping[str, Model]] = {"decay": Decay(HALF_LIFE_MS), "markov": Markov()}


def named_model(form: ModelForm) -> tuple[str, Model]:
    """The name under which a model is shown, and the model."""
    match form:
        case CustomModel():
            first, between, last = form.custom
            return f"custom {first:g}/{between:g}/{last:g}", ByPosition(first, between, last)
        case DecayModel():
            return f"decay {format_duration(form.decay)}", Decay(form.decay)
        case MarkovModel():
            return f"markov {form.markov}", Markov(form.markov)
        case "decay" | "markov":
            return form, _BARE[form]
        case _:
            return form, form
