"""What happens next? Pure decisions: inputs in, effects out, no clock and no I/O."""
