FROM box
RUN --network=fast true
