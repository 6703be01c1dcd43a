FROM box
RUN <<EOF
#!/bin/sh -e
echo "$0" | grep -q . && echo ran > /out
EOF
