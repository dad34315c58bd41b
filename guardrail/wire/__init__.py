"""One module per wire format: where its texts are, and how a refusal looks in it."""
