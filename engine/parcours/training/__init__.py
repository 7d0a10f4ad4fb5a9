"""Models of scores, trained with what has happened: the past is looked at through the engine itself."""
