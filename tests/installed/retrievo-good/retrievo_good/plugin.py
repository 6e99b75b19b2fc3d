from retrievo import hookimpl


@hookimpl
def retrievo_register_chunkers(register):
    register("good-lines", "retrievo_good.lines:LineChunker")


@hookimpl
def retrievo_register_encoders(register):
    register("good-letters", "retrievo_good.letters:LetterEncoder")
    register("good-hardware", "retrievo_good.hardware:HardwareEncoder", extra="hardware")


@hookimpl
def retrievo_register_pipelines(register):
    register("good-pipeline", "retrievo_good:pipeline.toml")
