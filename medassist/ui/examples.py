"""Four synthetic cases to try the page with. Written for it; no patient stands behind them."""

from typing import Final

from medassist.case import PatientCase, VitalSigns

EXAMPLES: Final[dict[str, PatientCase]] = {
    "Breathless after knee surgery": PatientCase(
        chief_complaint="Breathlessness and sharp chest pain since this morning",
        history=(
            "Ten days after knee replacement. Sudden breathlessness at rest with right-sided chest pain that is worse"
            " on breathing in. Left calf swollen and tender for three days. Takes a combined oral contraceptive."
            " No fever, no productive cough."
        ),
        age=34,
        sex="female",
        medications="Combined oral contraceptive; paracetamol as needed.",
        examination="Lungs clear. Left calf 3 cm larger than the right. Heart sounds normal, no murmur.",
        investigations="ECG: sinus tachycardia. Chest film normal.",
        vital_signs=VitalSigns(
            temperature_c=37.4, heart_rate=118, respiratory_rate=26, systolic_bp=108, diastolic_bp=70, spo2_percent=90
        ),
    ),
    "Right-sided belly pain": PatientCase(
        chief_complaint="Abdominal pain for 18 hours",
        history=(
            "Dull pain around the navel yesterday evening that moved to the right lower abdomen overnight and is worse"
            " when walking. Nausea, vomited twice, no appetite. Last stool this morning, formed. No burning on passing"
            " water."
        ),
        age=22,
        sex="male",
        past_history="Healthy; no operations.",
        examination="Tender with guarding in the right lower quadrant; rebound tenderness; Rovsing's sign positive.",
        investigations="White cells 14.2 ×10⁹/L, CRP 48 mg/L; urine dipstick normal.",
        vital_signs=VitalSigns(
            temperature_c=38.1, heart_rate=98, respiratory_rate=18, systolic_bp=124, diastolic_bp=76, spo2_percent=98
        ),
    ),
    "胸骨后压榨样痛": PatientCase(
        chief_complaint="突发胸骨后压榨样疼痛2小时",
        history="2小时前搬重物后突发胸骨后压榨样疼痛，向左肩及左上臂放射，伴大汗、恶心，含服硝酸甘油未缓解。无发热，无咯血。",
        age=58,
        sex="男",
        past_history="高血压10年，2型糖尿病5年。",
        social_history="吸烟30年，每日20支。",
        family_history="父亲55岁时患心肌梗死。",
        examination="神志清，痛苦面容，皮肤湿冷。双肺呼吸音清。心律齐，未闻及杂音。双下肢无水肿。",
        investigations="心电图：V1–V4导联ST段抬高。肌钙蛋白I 2.6 ng/mL。",
        vital_signs=VitalSigns(
            temperature_c=36.6, heart_rate=104, respiratory_rate=22, systolic_bp=98, diastolic_bp=62, spo2_percent=95
        ),
    ),
    "发热咳嗽三天": PatientCase(
        chief_complaint="发热、咳嗽、咳黄痰3天",
        history="3天前受凉后发热，最高39.2℃，伴寒战、咳嗽、咳黄色脓痰，右侧胸痛，深吸气时加重。无咯血，无下肢肿胀。",
        age=67,
        sex="女",
        past_history="慢性支气管炎病史8年。",
        allergies="青霉素过敏（皮疹）。",
        examination="右下肺叩诊浊音，可闻及湿啰音及支气管呼吸音。心律齐。",
        investigations="白细胞 15.8×10⁹/L，中性粒细胞比例升高，C反应蛋白 126 mg/L。胸片：右下肺大片实变影。",
        vital_signs=VitalSigns(
            temperature_c=38.9, heart_rate=106, respiratory_rate=26, systolic_bp=118, diastolic_bp=70, spo2_percent=92
        ),
    ),
}
"""By the label of the button that fills the form; the label names no diagnosis."""
