# buildah 1.28 has no heredocs.
FROM tiny
ARG A=arg
ENV B=env
RUN ["/bin/sh", "-c", "echo \"arg env default \\$A ar 'arg' \\\"env\\\"\" > /out"]
