FROM box
RUN <<a-b.c1 cat > /out
text
a-b.c1
RUN cat <<EOF > /out2 && echo after >> /out2
  EOF
EOFX
EOF
