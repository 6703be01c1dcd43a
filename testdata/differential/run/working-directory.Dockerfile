FROM box
WORKDIR /made/here
RUN pwd > out; mkdir sub
WORKDIR sub
RUN pwd > ../out2
