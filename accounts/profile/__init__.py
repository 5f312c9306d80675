"""What a signed-in citizen sees and changes: password, security question, e-mail, mobile, devices, history."""
