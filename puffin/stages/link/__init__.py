"""The environment: interpreter, scheme, what is installed, the plan, staging and the transaction."""
