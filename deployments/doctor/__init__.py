"""`winnow doctor`: will a round's flows find what they need, here and where their workers run?"""
