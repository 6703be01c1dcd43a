FROM box
RUN --mount=type=tmpfs,target=/scratch echo x > /scratch/x; cat /scratch/x > /out
