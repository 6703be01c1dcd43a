FROM tiny
COPY --chwon=app one /x
