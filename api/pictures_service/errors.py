"""The pictures service's error shape: in Spanish, `message` or `error`."""

import re

from api.problems import Problem, RenderedProblem

# The one route whose errors stand under both names.
DEFAULT_PICTURE_PREFIX = "/pictures/create-default-picture"
# What a socket that signs in at connect is refused with.
INVALID_TOKEN = "Token inválido o expirado"  # noqa: S105 (a message)
# What a token that lacks the scope is refused with, at a socket too.
MISSING_SCOPE = "El token no incluye el permiso para esta operación"
TOO_MANY_SOCKETS = "Demasiadas conexiones de esta cuenta"
# A problem's code says more than its kind.
_BY_CODE = {
    "no_active_picture": "No se encontró una imagen activa",
    "active_picture": "La imagen activa no se puede eliminar",
    "picture": "No se encontró la imagen",
    "user": "No se encontró el usuario",
    "quota": "La cuenta no admite más imágenes",
    "idempotency_key": "Idempotency-Key debe tener de 1 a 128 caracteres ASCII visibles",
    "content_digest": "Content-Digest no es válido o no corresponde al contenido",
    "upload_running": "La primera subida con esta Idempotency-Key aún no ha terminado",
    "key_reused": "Esta Idempotency-Key ya se usó con otra subida",
    "uploaded_gone": "La imagen subida con esta Idempotency-Key ya no existe",
    "parse_error": "No se puede leer el cuerpo de la petición",
    "not_an_image": "El archivo no es una imagen",
    "damaged": "La imagen está dañada",
    "too_many_pixels": "La imagen tiene demasiados píxeles",
    "too_many_frames": "La imagen tiene demasiados fotogramas",
    "too_many_scans": "La imagen es demasiado compleja",
}
_FORMATS = {
    r"(.+) pictures of this kind are not taken\.": "No se aceptan imágenes {} de esta clase",
    r"Camera raw \((.+)\) pictures are not taken\.": "No se aceptan imágenes sin revelar ({})",
    r"(.+) pictures are not taken\.": "No se aceptan imágenes {}",
    r"(.+) video files are not taken\.": "No se aceptan vídeos {}",
    r"(.+) files are not taken\.": "No se aceptan archivos {}",
}
_SPANISH_NAMES = {
    "Icon": "de icono",
    "Cursor": "de cursor",
    "Lossless JPEG": "JPEG sin pérdida",
    "Hierarchical JPEG": "JPEG jerárquicas",
    "12-bit JPEG": "JPEG de 12 bits",
}
_BY_KIND = {
    "validation": "La petición no es válida",
    "business": "La petición no es válida",
    "forbidden": "No tiene permiso para esta operación",
    "not_found": "No se encontró el recurso",
    "method": "Método no permitido",
    "conflict": "La operación no es posible ahora",
    "too_large": "El archivo es demasiado grande",
    "throttled": "Demasiadas peticiones",
    "unavailable": "El servicio no está disponible por el momento",
    "media_type": "El tipo de contenido no está permitido",
    "internal": "Error interno del servidor",
}
# REST framework's codes for a field of a form that holds no file.
_NO_FILE = frozenset({"required", "null", "invalid", "no_name"})


def render_problem(problem: Problem) -> RenderedProblem:
    """Return 401 for a missing token and 403 for an invalid one, as the contract has it."""
    if problem.kind == "unauthorized":
        if problem.code == "token":
            return RenderedProblem({"message": INVALID_TOKEN}, status=403)
        return RenderedProblem({"message": "Token no proporcionado"})
    if problem.code == "scope":
        # Under the name of the contract's other refusals of a token.
        return RenderedProblem({"message": MISSING_SCOPE})
    names = ["message", "error"] if problem.kind == "not_found" else ["error", "message"]
    if f"{problem.url}/".startswith(f"{DEFAULT_PICTURE_PREFIX}/"):
        return RenderedProblem(dict.fromkeys(names, _message(problem)))
    return RenderedProblem({names[0]: _message(problem)})


def _message(problem: Problem) -> str:
    if problem.code == "format":
        return _format_message(problem.message)
    if problem.code in _BY_CODE:
        return _BY_CODE[problem.code]
    if problem.kind == "validation" and problem.fields and problem.fields[0].path:
        return _field_message(problem.fields[0].path, problem.code)
    return _BY_KIND[problem.kind]


def _format_message(message: str) -> str:
    """Say in Spanish which format is not taken (`images.formats.limits`)."""
    for pattern, spanish in _FORMATS.items():
        if found := re.fullmatch(pattern, message):
            return spanish.format(*(_SPANISH_NAMES.get(each, each) for each in found.groups()))
    return "El formato de la imagen no está permitido"


def _field_message(path: str, code: str) -> str:
    if path == "file" and code in _NO_FILE:
        return "No se recibió ningún archivo en el campo file"
    if code == "required":
        return f"Falta el campo {path}"
    return f"El campo {path} no es válido"
