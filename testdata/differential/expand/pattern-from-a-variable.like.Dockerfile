# buildah 1.28 knows no patterns.
FROM tiny
ENV P=/a/b/c CUT=/a STAR=* PART=a*b
ENV A=/b/c B=b/c C=a
