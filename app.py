"""Start MedAssist: settings, services, the web application, the server. Also the app file of a Hugging Face Space."""

import sys

from medassist.config import load_settings
from medassist.errors import MedAssistError
from medassist.services import build_services
from medassist.web.app import serve


def main() -> int:
    try:
        settings = load_settings()
        serve(settings, build_services(settings))
    except MedAssistError as error:
        sys.stderr.write(f"medassist: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
