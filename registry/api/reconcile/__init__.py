"""The door for reconciliation clients such as OpenRefine: the Reconciliation Service API 0.2 at /reconcile."""
