FROM tiny
ENV X   several   words  here
ENV Y "quoted words"
ENV Z $X-$Y
