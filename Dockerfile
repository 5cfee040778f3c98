# A server of models that lie in a folder: see docs/shipping.md. Build with: docker build -t foveal .
FROM python:3.13-slim AS build
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN python -m venv /opt/foveal \
 && /opt/foveal/bin/pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu \
    --constraint constraints.txt '.[serve]'

FROM python:3.13-slim
RUN useradd --system --no-create-home --uid 10001 --shell /usr/sbin/nologin foveal
COPY --from=build /opt/foveal /opt/foveal
ENV PATH=/opt/foveal/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    FOVEAL_CACHE=/tmp/foveal
USER 10001:10001
WORKDIR /models
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["python", "-c", \
  "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/v2/health/live', timeout=2)"]
# docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -p 127.0.0.1:8000:8000 \
#   -v ./models:/models:ro -v ./token:/run/token:ro foveal cats.safetensors
ENTRYPOINT ["foveal", "serve", "--host", "0.0.0.0", "--token-file", "/run/token"]
