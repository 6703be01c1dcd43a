FROM box
SHELL ["/bin/sh", "-ec"]
RUN <<EOF
echo before > /out
test -e /not/there || echo after >> /out
EOF
