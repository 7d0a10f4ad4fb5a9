"""The destinations that come along. They see what a stranger's sees: `parcours.destination` and `parcours.channel`."""
