"""Tasks, the ledger of outcomes, the record of a run. Knows no stage."""
