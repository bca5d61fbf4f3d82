"""What a person can scan: QR images of an institution's page. Signed credentials come later."""
