"""The bench: how often the verdict is right on labelled runs, measured anew, and how it was learned."""
