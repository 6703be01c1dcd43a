FROM box AS parent
ONBUILD COPY one /child
ONBUILD WORKDIR /w
ONBUILD LABEL from=parent
FROM parent
RUN pwd > /pwd
