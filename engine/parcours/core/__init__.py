"""The deciding core: a pure state machine per person, inputs in, effects out, without a clock or I/O."""
