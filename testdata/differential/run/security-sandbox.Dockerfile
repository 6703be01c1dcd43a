FROM box
RUN --security=sandbox echo ran > /ran
