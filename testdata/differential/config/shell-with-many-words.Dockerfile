FROM box
SHELL ["/bin/sh", "-o", "pipefail", "-c"]
RUN true | cat > /made
