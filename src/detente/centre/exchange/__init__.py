"""What one side tells another: rules, release, messages, session and ledger. Closed by default."""
