FROM tiny
ENV X=<$TARGETOS>
RUN ["/bin/sh", "-c", "echo \"<$TARGETARCH>\" > /seen"]
