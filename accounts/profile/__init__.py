"""What a signed-in citizen sees and changes: password, question, e-mail, mobile, devices, history."""
