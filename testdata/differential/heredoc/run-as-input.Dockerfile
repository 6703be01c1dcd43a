FROM box
RUN cat <<EOF > /out
plain $HOME
EOF
RUN cat <<'EOF' > /quoted
plain $HOME \
EOF
RUN sh -e <<one && cat <<two > /second
echo first > /first
one
two's text
two
