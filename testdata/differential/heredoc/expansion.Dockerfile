FROM tiny
ARG A=arg
ENV B=env
COPY <<EOF /out
$A ${B} ${NONE:-default} \$A ${A%g} '$A' "$B"
EOF
