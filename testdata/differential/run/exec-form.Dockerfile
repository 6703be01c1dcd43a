FROM box
RUN ["/bin/sh", "-c", "echo \"$0\" > /out"]
RUN ["touch", "/touched", "/with space"]
