FROM tiny AS first
COPY one /one
ENV X=1
FROM first AS second
COPY two /two
ENV Y=${X}2
FROM second
WORKDIR /third
