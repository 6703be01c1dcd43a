FROM box
RUN mkdir -p /d/e; echo text > /d/e/f; ln -s f /d/e/link; ln /d/e/f /d/hard; mkfifo /d/pipe; : > /d/empty
