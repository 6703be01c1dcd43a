FROM tiny
ENV A=1 \
    B=2 \
# no value
    C="3 \
4"
