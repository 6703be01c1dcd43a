FROM box
RUN --network=none echo ran > /ran
RUN --network=default echo ran > /ran2
RUN --network=host echo ran > /ran3
