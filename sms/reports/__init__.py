"""Finds out what became of accepted messages: reads pushed receipts, polls gateways, applies their reports."""
