"""The commands of `guardrail`, one a file; each imports what is heavy only when it runs."""
