FROM tiny
COPY <<EOF /empty
EOF
COPY <<-EOF /blank

EOF
