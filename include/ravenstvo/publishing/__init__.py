"""What people are given: workbooks written from what the marts and the records of calculations hold."""
