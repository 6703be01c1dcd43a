FROM box
ENV X=image
RUN X=shell; echo $X ${X} > /x
CMD echo $X
ENTRYPOINT ["$X"]
