"""An encoder whose dependency no machine has."""

import retrievo_no_such_hardware


class HardwareEncoder:
    def __init__(self) -> None:
        self.device = retrievo_no_such_hardware.open()
