"""Networks: described as data, planned without torch, built as plain modules."""
